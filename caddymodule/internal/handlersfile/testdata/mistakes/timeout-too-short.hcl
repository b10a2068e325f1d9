handler "archive" {
  plugin = "jsonl"
  timeout = "10ms"
  config {
    path = "/var/lib/archive"
  }
}
