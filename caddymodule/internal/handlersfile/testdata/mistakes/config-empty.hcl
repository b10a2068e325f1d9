handler "archive" {
  plugin = "jsonl"
  config {
  }
}
