handler "archive" {
  plugin = "jsonl"
}
