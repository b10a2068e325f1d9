handler "archive" {
  plugin = "jsonl"
  stale = "drop"
  config {
    path = "/var/lib/archive"
  }
}
