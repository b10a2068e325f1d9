handler "archive" {
  plugin = "jsonl"
  config {
    path = file("/etc/path")
  }
}
