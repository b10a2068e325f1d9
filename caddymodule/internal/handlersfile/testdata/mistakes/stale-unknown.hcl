handler "archive" {
  plugin = "jsonl"
  signals {
    stale = "ignore"
  }
  config {
    path = "/var/lib/archive"
  }
}
