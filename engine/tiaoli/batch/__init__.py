"""Batch: tables of millions of people in, tables of results out. Needs the extra ``tiaoli[batch]``."""
