handler "archive" {
  plugin = "jsonl"
  start = "2026-02-30T00:00:00Z"
  config {
    path = "/var/lib/archive"
  }
}
