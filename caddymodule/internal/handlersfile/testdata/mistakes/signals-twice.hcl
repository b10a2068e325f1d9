handler "archive" {
  plugin = "jsonl"
  signals {
    stale = "drop"
  }
  signals {
    stale = "mark"
  }
  config {
    path = "/var/lib/archive"
  }
}
