"""Findings before anything leaves the house: each module takes what was made and says what is wrong."""
