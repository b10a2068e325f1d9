handler "archive" {
  plugin = "jsonl"
  signals {
    stale = true
  }
  config {
    path = "/var/lib/archive"
  }
}
