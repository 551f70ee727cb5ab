"""The rulesets that come with Tiaoli: one file a document."""
