"""Email + Addressee -> the bytes on the wire (pure): serialised once an issue, spliced for each reader."""
