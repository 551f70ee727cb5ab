"""The grammar of Tiaoli and the JSON Schemas of what it prints, as package data."""
