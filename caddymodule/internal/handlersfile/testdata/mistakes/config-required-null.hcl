handler "archive" {
  plugin = "jsonl"
  config {
    path = null
  }
}
