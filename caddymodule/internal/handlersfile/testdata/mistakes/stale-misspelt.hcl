handler "archive" {
  plugin = "jsonl"
  signals {
    stale = "drp"
  }
  config {
    path = "/var/lib/archive"
  }
}
