handler "archive" {
  plugin = "jsonl"
  signals {
    stail = "drop"
  }
  config {
    path = "/var/lib/archive"
  }
}
