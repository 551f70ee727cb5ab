/* CN 2024..2025 */
WITH "参保人读入" AS MATERIALIZED (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号",
    COALESCE(CAST("t"."参保@2024" AS BOOLEAN), FALSE) AS "参保@2024",
    CAST("t"."缴费日期@2024" AS DATE) AS "缴费日期@2024",
    COALESCE(CAST(CAST("t"."费用@2024" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2024",
    NULLIF(TRIM(CAST("t"."类别" AS TEXT)), '') AS "类别",
    CAST("t"."出生日期" AS DATE) AS "出生日期",
    COALESCE(CAST("t"."参保@2025" AS BOOLEAN), FALSE) AS "参保@2025",
    CAST("t"."缴费日期@2025" AS DATE) AS "缴费日期@2025",
    COALESCE(CAST(CAST("t"."费用@2025" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2025"
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
        "t"."费用@2024" BETWEEN 0 AND 1000000 AND "t"."费用@2024" = CAST("t"."费用@2024" AS DECIMAL(9, 2))
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
        "t"."费用@2025" BETWEEN 0 AND 1000000 AND "t"."费用@2025" = CAST("t"."费用@2025" AS DECIMAL(9, 2))
      )
    )
), "参保人重号" AS MATERIALIZED (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号"
  FROM people AS t
  GROUP BY
    CAST("t"."编号" AS TEXT)
  HAVING
    COUNT(*) > 1
), "参保人" AS MATERIALIZED (
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
), "参保人2024" AS MATERIALIZED (
  SELECT
    *,
    CASE WHEN "参保@2024" THEN 1 ELSE 0 END AS "连续年数(参保)@2024",
    /* 《示例办法》 第二条 */
    CASE WHEN "缴费日期@2024" IS NOT NULL THEN CAST("缴费日期@2024" + 3 * INTERVAL '1 MONTH' AS DATE) END AS "生效日@2024",
    /* 《示例办法》 第二条 */
    (
      CAST("费用@2024" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END / 1000000 - 100
    ) * 100 AS "差额@2024"
  FROM "参保人"
), "参保人2024_2" AS MATERIALIZED (
  SELECT
    *,
    /* 《示例办法》 第二条第三款；《示例办法》 第二条第四款 */
    CASE
      WHEN "参保@2024" AND "出生日期" IS NOT NULL
      THEN (
        CAST("费用@2024" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END + "连续年数(参保)@2024" * 1000000 + 5000
      ) / 10000
      ELSE 0
    END AS "报销@2024"
  FROM "参保人2024"
), "参保人2025" AS MATERIALIZED (
  SELECT
    *,
    CASE WHEN "参保@2025" THEN "连续年数(参保)@2024" + 1 ELSE 0 END AS "连续年数(参保)@2025",
    /* 《示例办法》 第二条 */
    CASE WHEN "缴费日期@2025" IS NOT NULL THEN CAST("缴费日期@2025" + 3 * INTERVAL '1 MONTH' AS DATE) END AS "生效日@2025",
    /* 《示例办法》 第二条 */
    (
      CAST("费用@2025" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END / 1000000 - 100
    ) * 100 AS "差额@2025"
  FROM "参保人2024_2"
), "参保人2025_2" AS MATERIALIZED (
  SELECT
    *,
    /* 《示例办法》 第二条第三款；《示例办法》 第二条第四款 */
    CASE
      WHEN "参保@2025" AND "出生日期" IS NOT NULL
      THEN (
        CAST("费用@2025" AS BIGINT) * CASE "类别" WHEN '甲类' THEN 3333 WHEN '乙类' THEN 5000 END + "连续年数(参保)@2025" * 1000000 + 5000
      ) / 10000
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
WITH "参保人原始" AS MATERIALIZED (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号",
    COALESCE(CAST("t"."参保@2024" AS BOOLEAN), FALSE) AS "参保@2024",
    CAST("t"."缴费日期@2024" AS DATE) AS "缴费日期@2024",
    COALESCE(CAST(CAST("t"."费用@2024" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2024",
    NULLIF(TRIM(CAST("t"."类别" AS TEXT)), '') AS "类别",
    CAST("t"."出生日期" AS DATE) AS "出生日期",
    COALESCE(CAST("t"."参保@2025" AS BOOLEAN), FALSE) AS "参保@2025",
    CAST("t"."缴费日期@2025" AS DATE) AS "缴费日期@2025",
    COALESCE(CAST(CAST("t"."费用@2025" AS DECIMAL(9, 2)) * 100 AS INT), 0) AS "费用@2025",
    "t"."参保@2024" AS "参保@2024!原",
    "t"."缴费日期@2024" AS "缴费日期@2024!原",
    "t"."费用@2024" AS "费用@2024!原",
    "t"."类别" AS "类别!原",
    "t"."出生日期" AS "出生日期!原",
    "t"."参保@2025" AS "参保@2025!原",
    "t"."缴费日期@2025" AS "缴费日期@2025!原",
    "t"."费用@2025" AS "费用@2025!原"
  FROM people AS t
), "参保人重号" AS MATERIALIZED (
  SELECT
    CAST("t"."编号" AS TEXT) AS "编号"
  FROM people AS t
  GROUP BY
    CAST("t"."编号" AS TEXT)
  HAVING
    COUNT(*) > 1
), "参保人标记" AS MATERIALIZED (
  SELECT
    t.*,
    "d"."编号" AS "!重号"
  FROM "参保人原始" AS t
  LEFT JOIN "参保人重号" AS d
    ON "d"."编号" = "t"."编号"
)
SELECT
  "编号",
  CAST(NULL AS INT) AS "年度",
  '编号' AS "事实",
  CAST(NULL AS TEXT) AS "值",
  'E715' AS "代码",
  '缺少编号' AS "原因",
  '给每一行写上编号' AS "改法"
FROM "参保人标记"
WHERE
  "编号" IS NULL OR TRIM(CAST("编号" AS TEXT)) = ''
UNION ALL
SELECT
  "编号",
  CAST(NULL AS INT) AS "年度",
  '编号' AS "事实",
  CAST("编号" AS TEXT) AS "值",
  'E717' AS "代码",
  '编号重复' AS "原因",
  '一人只留一行' AS "改法"
FROM "参保人标记"
WHERE
  "!重号" IS NOT NULL
UNION ALL
SELECT
  "编号",
  2024 AS "年度",
  '缴费日期' AS "事实",
  CAST("缴费日期@2024!原" AS TEXT) AS "值",
  'E735' AS "代码",
  '超出范围，应为 1900-01-01..2199-12-31' AS "原因",
  '核对这个值' AS "改法"
FROM "参保人标记"
WHERE
  NOT "缴费日期@2024!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
UNION ALL
SELECT
  "编号",
  2024 AS "年度",
  '费用' AS "事实",
  CAST("费用@2024!原" AS TEXT) AS "值",
  'E735' AS "代码",
  '超出范围，应为 0..1000000' AS "原因",
  '核对这个值' AS "改法"
FROM "参保人标记"
WHERE
  NOT "费用@2024!原" BETWEEN 0 AND 1000000
UNION ALL
SELECT
  "编号",
  2024 AS "年度",
  '费用' AS "事实",
  CAST("费用@2024!原" AS TEXT) AS "值",
  'E733' AS "代码",
  '小数超过 2 位' AS "原因",
  '核对金额和比例的小数' AS "改法"
FROM "参保人标记"
WHERE
  "费用@2024!原" BETWEEN 0 AND 1000000 AND "费用@2024!原" <> CAST("费用@2024!原" AS DECIMAL(9, 2))
UNION ALL
SELECT
  "编号",
  CAST(NULL AS INT) AS "年度",
  '出生日期' AS "事实",
  CAST("出生日期!原" AS TEXT) AS "值",
  'E735' AS "代码",
  '超出范围，应为 1900-01-01..2199-12-31' AS "原因",
  '核对这个值' AS "改法"
FROM "参保人标记"
WHERE
  NOT "出生日期!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
UNION ALL
SELECT
  "编号",
  2025 AS "年度",
  '缴费日期' AS "事实",
  CAST("缴费日期@2025!原" AS TEXT) AS "值",
  'E735' AS "代码",
  '超出范围，应为 1900-01-01..2199-12-31' AS "原因",
  '核对这个值' AS "改法"
FROM "参保人标记"
WHERE
  NOT "缴费日期@2025!原" BETWEEN CAST('1900-01-01' AS DATE) AND CAST('2199-12-31' AS DATE)
UNION ALL
SELECT
  "编号",
  2025 AS "年度",
  '费用' AS "事实",
  CAST("费用@2025!原" AS TEXT) AS "值",
  'E735' AS "代码",
  '超出范围，应为 0..1000000' AS "原因",
  '核对这个值' AS "改法"
FROM "参保人标记"
WHERE
  NOT "费用@2025!原" BETWEEN 0 AND 1000000
UNION ALL
SELECT
  "编号",
  2025 AS "年度",
  '费用' AS "事实",
  CAST("费用@2025!原" AS TEXT) AS "值",
  'E733' AS "代码",
  '小数超过 2 位' AS "原因",
  '核对金额和比例的小数' AS "改法"
FROM "参保人标记"
WHERE
  "费用@2025!原" BETWEEN 0 AND 1000000 AND "费用@2025!原" <> CAST("费用@2025!原" AS DECIMAL(9, 2))
UNION ALL
SELECT
  "编号",
  CAST(NULL AS INT) AS "年度",
  '类别' AS "事实",
  CAST("类别" AS TEXT) AS "值",
  'E739' AS "代码",
  '不在可选之列：甲类、乙类' AS "原因",
  '改成其中之一' AS "改法"
FROM "参保人标记"
WHERE
  NOT "类别" IN ('甲类', '乙类')
UNION ALL
SELECT
  "编号",
  CAST(NULL AS INT) AS "年度",
  '类别' AS "事实",
  CAST(NULL AS TEXT) AS "值",
  'E726' AS "代码",
  '缺少必填的事实' AS "原因",
  '补上这个事实' AS "改法"
FROM "参保人标记"
WHERE
  "类别" IS NULL
UNION ALL
SELECT
  "编号",
  2024 AS "年度",
  '缴费日期' AS "事实",
  CAST(NULL AS TEXT) AS "值",
  'E727' AS "代码",
  '按该年度的其他事实必填，却没有' AS "原因",
  '补上这个事实' AS "改法"
FROM "参保人标记"
WHERE
  "参保@2024" AND "缴费日期@2024" IS NULL
UNION ALL
SELECT
  "编号",
  2025 AS "年度",
  '缴费日期' AS "事实",
  CAST(NULL AS TEXT) AS "值",
  'E727' AS "代码",
  '按该年度的其他事实必填，却没有' AS "原因",
  '补上这个事实' AS "改法"
FROM "参保人标记"
WHERE
  "参保@2025" AND "缴费日期@2025" IS NULL
