handler "archive" {
  plugin = "jsonl"
  batch {
    max_events = 100000
  }
  config {
    path = "/var/lib/archive"
  }
}
