handler "archive" {
  plugin = "jsonl"
  start = "begining"
  config {
    path = "/var/lib/archive"
  }
}
