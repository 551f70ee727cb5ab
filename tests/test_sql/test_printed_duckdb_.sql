/* CN 2024..2025 */
WITH "参保人读入" AS (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号",
    COALESCE(CAST("t"."参保@2024" AS BOOLEAN), FALSE) AS "参保@2024",
    TRY_CAST("t"."缴费日期@2024" AS DATE) AS "缴费日期@2024",
    COALESCE(TRY_CAST(TRY_CAST("t"."费用@2024" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2024",
    NULLIF(TRIM(CAST("t"."类别" AS TEXT)), '') AS "类别",
    TRY_CAST("t"."出生日期" AS DATE) AS "出生日期",
    COALESCE(CAST("t"."参保@2025" AS BOOLEAN), FALSE) AS "参保@2025",
    TRY_CAST("t"."缴费日期@2025" AS DATE) AS "缴费日期@2025",
    COALESCE(TRY_CAST(TRY_CAST("t"."费用@2025" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2025"
  FROM people AS t
  WHERE
    NOT (
      "t"."编号" IS NULL OR TRIM(CAST("t"."编号" AS TEXT)) = ''
    )
    AND (
      "t"."缴费日期@2024" IS NULL OR "t"."缴费日期@2024" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
    )
    AND (
      "t"."费用@2024" IS NULL
      OR (
        "t"."费用@2024" BETWEEN 0 AND 1000000 AND "t"."费用@2024" = TRY_CAST("t"."费用@2024" AS DECIMAL(9, 2))
      )
    )
    AND (
      "t"."出生日期" IS NULL OR "t"."出生日期" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
    )
    AND (
      "t"."缴费日期@2025" IS NULL OR "t"."缴费日期@2025" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
    )
    AND (
      "t"."费用@2025" IS NULL
      OR (
        "t"."费用@2025" BETWEEN 0 AND 1000000 AND "t"."费用@2025" = TRY_CAST("t"."费用@2025" AS DECIMAL(9, 2))
      )
    )
), "参保人重号" AS (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号"
  FROM people AS t
  GROUP BY
    CAST("t"."编号" AS TEXT)
  HAVING
    COUNT(*) > 1
), "参保人" AS (
  SELECT
    *
  FROM "参保人读入" AS t
  WHERE
    COALESCE("类别" IN ('甲类', '乙类'), TRUE)
    AND "类别" IS NOT NULL
    AND NOT (
      "参保@2024" AND "缴费日期@2024" IS NULL
    )
    AND NOT (
      "参保@2025" AND "缴费日期@2025" IS NULL
    )
    AND NOT EXISTS(
      SELECT
        1
      FROM "参保人重号" AS e
      WHERE
        "e"."编号" = "t"."编号"
    )
), "参保人2024" AS (
  SELECT
    *,
    CASE WHEN "参保@2024" THEN 1 ELSE 0 END AS "连续年数(参保)@2024",
    /* 《示例办法》 第二条 */
    CASE WHEN "缴费日期@2024" IS NOT NULL THEN CAST("缴费日期@2024" + TO_MONTHS(3) AS DATE) END AS "生效日@2024",
    /* 《示例办法》 第二条 */
    (
      CAST("费用@2024" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END // 1000000 - 100
    ) * 100 AS "差额@2024"
  FROM "参保人"
), "参保人2024_2" AS (
  SELECT
    *,
    /* 《示例办法》 第二条第三款；《示例办法》 第二条第四款 */
    CASE
      WHEN "参保@2024" AND "出生日期" IS NOT NULL
      THEN (
        CAST("费用@2024" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END + "连续年数(参保)@2024" * 1000000 + 5000
      ) // 10000
      ELSE 0
    END AS "报销@2024"
  FROM "参保人2024"
), "参保人2025" AS (
  SELECT
    *,
    CASE WHEN "参保@2025" THEN "连续年数(参保)@2024" + 1 ELSE 0 END AS "连续年数(参保)@2025",
    /* 《示例办法》 第二条 */
    CASE WHEN "缴费日期@2025" IS NOT NULL THEN CAST("缴费日期@2025" + TO_MONTHS(3) AS DATE) END AS "生效日@2025",
    /* 《示例办法》 第二条 */
    (
      CAST("费用@2025" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END // 1000000 - 100
    ) * 100 AS "差额@2025"
  FROM "参保人2024_2"
), "参保人2025_2" AS (
  SELECT
    *,
    /* 《示例办法》 第二条第三款；《示例办法》 第二条第四款 */
    CASE
      WHEN "参保@2025" AND "出生日期" IS NOT NULL
      THEN (
        CAST("费用@2025" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END + "连续年数(参保)@2025" * 1000000 + 5000
      ) // 10000
      ELSE 0
    END AS "报销@2025"
  FROM "参保人2025"
)
SELECT
  "编号",
  "生效日@2024",
  "生效日@2025",
  CAST("差额@2024" * 0.01 AS DECIMAL(18, 2)) AS "差额@2024",
  CAST("差额@2025" * 0.01 AS DECIMAL(18, 2)) AS "差额@2025",
  CAST("报销@2024" * 0.01 AS DECIMAL(18, 2)) AS "报销@2024",
  CAST("报销@2025" * 0.01 AS DECIMAL(18, 2)) AS "报销@2025",
  1 AS "生效日.理由@2024",
  1 AS "生效日.理由@2025",
  1 AS "差额.理由@2024",
  1 AS "差额.理由@2025",
  CASE WHEN "参保@2024" AND "出生日期" IS NOT NULL THEN 1 ELSE 2 END AS "报销.理由@2024",
  CASE WHEN "参保@2025" AND "出生日期" IS NOT NULL THEN 1 ELSE 2 END AS "报销.理由@2025"
FROM "参保人2025_2"

/* CN 2024..2025 */
WITH "参保人原始" AS (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号",
    COALESCE(CAST("t"."参保@2024" AS BOOLEAN), FALSE) AS "参保@2024",
    TRY_CAST("t"."缴费日期@2024" AS DATE) AS "缴费日期@2024",
    COALESCE(TRY_CAST(TRY_CAST("t"."费用@2024" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2024",
    NULLIF(TRIM(CAST("t"."类别" AS TEXT)), '') AS "类别",
    TRY_CAST("t"."出生日期" AS DATE) AS "出生日期",
    COALESCE(CAST("t"."参保@2025" AS BOOLEAN), FALSE) AS "参保@2025",
    TRY_CAST("t"."缴费日期@2025" AS DATE) AS "缴费日期@2025",
    COALESCE(TRY_CAST(TRY_CAST("t"."费用@2025" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2025",
    "t"."参保@2024" AS "参保@2024!原",
    "t"."缴费日期@2024" AS "缴费日期@2024!原",
    "t"."费用@2024" AS "费用@2024!原",
    "t"."类别" AS "类别!原",
    "t"."出生日期" AS "出生日期!原",
    "t"."参保@2025" AS "参保@2025!原",
    "t"."缴费日期@2025" AS "缴费日期@2025!原",
    "t"."费用@2025" AS "费用@2025!原"
  FROM people AS t
), "参保人重号" AS (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号"
  FROM people AS t
  GROUP BY
    CAST("t"."编号" AS TEXT)
  HAVING
    COUNT(*) > 1
), "参保人标记" AS (
  SELECT
    t.*,
    "d"."编号" AS "!重号"
  FROM "参保人原始" AS t
  LEFT JOIN "参保人重号" AS d
    ON "d"."编号" = "t"."编号"
), "参保人标记之误" AS (
  SELECT
    "编号",
    UNNEST(
      [
        CASE
          WHEN "编号" IS NULL OR TRIM(CAST("编号" AS TEXT)) = ''
          THEN {'年度': CAST(NULL AS INT), '事实': '编号', '值': CAST(NULL AS TEXT), '代码': 'E715', '原因': '缺少编号', '改法': '给每一行写上编号'}
        END,
        CASE
          WHEN "!重号" IS NOT NULL
          THEN {'年度': CAST(NULL AS INT), '事实': '编号', '值': CAST("编号" AS TEXT), '代码': 'E717', '原因': '编号重复', '改法': '一人只留一行'}
        END,
        CASE
          WHEN NOT "缴费日期@2024!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
          THEN {'年度': 2024, '事实': '缴费日期', '值': CAST("缴费日期@2024!原" AS TEXT), '代码': 'E735', '原因': '超出范围，应为 1900-01-01..2199-12-31', '改法': '核对这个值'}
        END,
        CASE
          WHEN NOT "费用@2024!原" BETWEEN 0 AND 1000000
          THEN {'年度': 2024, '事实': '费用', '值': CAST("费用@2024!原" AS TEXT), '代码': 'E735', '原因': '超出范围，应为 0..1000000', '改法': '核对这个值'}
        END,
        CASE
          WHEN "费用@2024!原" BETWEEN 0 AND 1000000 AND "费用@2024!原" <> TRY_CAST("费用@2024!原" AS DECIMAL(9, 2))
          THEN {'年度': 2024, '事实': '费用', '值': CAST("费用@2024!原" AS TEXT), '代码': 'E733', '原因': '小数超过 2 位', '改法': '核对金额和比例的小数'}
        END,
        CASE
          WHEN NOT "出生日期!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
          THEN {'年度': CAST(NULL AS INT), '事实': '出生日期', '值': CAST("出生日期!原" AS TEXT), '代码': 'E735', '原因': '超出范围，应为 1900-01-01..2199-12-31', '改法': '核对这个值'}
        END,
        CASE
          WHEN NOT "缴费日期@2025!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
          THEN {'年度': 2025, '事实': '缴费日期', '值': CAST("缴费日期@2025!原" AS TEXT), '代码': 'E735', '原因': '超出范围，应为 1900-01-01..2199-12-31', '改法': '核对这个值'}
        END,
        CASE
          WHEN NOT "费用@2025!原" BETWEEN 0 AND 1000000
          THEN {'年度': 2025, '事实': '费用', '值': CAST("费用@2025!原" AS TEXT), '代码': 'E735', '原因': '超出范围，应为 0..1000000', '改法': '核对这个值'}
        END,
        CASE
          WHEN "费用@2025!原" BETWEEN 0 AND 1000000 AND "费用@2025!原" <> TRY_CAST("费用@2025!原" AS DECIMAL(9, 2))
          THEN {'年度': 2025, '事实': '费用', '值': CAST("费用@2025!原" AS TEXT), '代码': 'E733', '原因': '小数超过 2 位', '改法': '核对金额和比例的小数'}
        END,
        CASE
          WHEN NOT "类别" IN ('甲类', '乙类')
          THEN {'年度': CAST(NULL AS INT), '事实': '类别', '值': CAST("类别" AS TEXT), '代码': 'E739', '原因': '不在可选之列：甲类、乙类', '改法': '改成其中之一'}
        END,
        CASE
          WHEN "类别" IS NULL
          THEN {'年度': CAST(NULL AS INT), '事实': '类别', '值': CAST(NULL AS TEXT), '代码': 'E726', '原因': '缺少必填的事实', '改法': '补上这个事实'}
        END,
        CASE
          WHEN "参保@2024" AND "缴费日期@2024" IS NULL
          THEN {'年度': 2024, '事实': '缴费日期', '值': CAST(NULL AS TEXT), '代码': 'E727', '原因': '按该年度的其他事实必填，却没有', '改法': '补上这个事实'}
        END,
        CASE
          WHEN "参保@2025" AND "缴费日期@2025" IS NULL
          THEN {'年度': 2025, '事实': '缴费日期', '值': CAST(NULL AS TEXT), '代码': 'E727', '原因': '按该年度的其他事实必填，却没有', '改法': '补上这个事实'}
        END
      ]
    ) AS "误"
  FROM "参保人标记"
  WHERE
    (
      "编号" IS NULL OR TRIM(CAST("编号" AS TEXT)) = ''
    )
    OR "!重号" IS NOT NULL
    OR NOT "缴费日期@2024!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
    OR NOT "费用@2024!原" BETWEEN 0 AND 1000000
    OR (
      "费用@2024!原" BETWEEN 0 AND 1000000 AND "费用@2024!原" <> TRY_CAST("费用@2024!原" AS DECIMAL(9, 2))
    )
    OR NOT "出生日期!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
    OR NOT "缴费日期@2025!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
    OR NOT "费用@2025!原" BETWEEN 0 AND 1000000
    OR (
      "费用@2025!原" BETWEEN 0 AND 1000000 AND "费用@2025!原" <> TRY_CAST("费用@2025!原" AS DECIMAL(9, 2))
    )
    OR NOT "类别" IN ('甲类', '乙类')
    OR "类别" IS NULL
    OR (
      "参保@2024" AND "缴费日期@2024" IS NULL
    )
    OR (
      "参保@2025" AND "缴费日期@2025" IS NULL
    )
)
SELECT
  "编号",
  "误"."年度",
  "误"."事实",
  "误"."值",
  "误"."代码",
  "误"."原因",
  "误"."改法"
FROM "参保人标记之误"
WHERE
  "误" IS NOT NULL
