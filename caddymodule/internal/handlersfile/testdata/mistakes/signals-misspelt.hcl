handler "archive" {
  plugin = "jsonl"
  signal {
    stale = "drop"
  }
  config {
    path = "/var/lib/archive"
  }
}
