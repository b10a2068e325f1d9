handler "archive" "daily" {
  plugin = "jsonl"
}
