handlr "archive" {
  plugin = "jsonl"
}
