handler "archive" {
  plugin = "jsonl"
  start = "2026-03-01 12:30"
  config {
    path = "/var/lib/archive"
  }
}
