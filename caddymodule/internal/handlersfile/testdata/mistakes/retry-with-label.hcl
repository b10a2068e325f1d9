handler "archive" {
  plugin = "jsonl"
  retry "fast" {
  }
  config {
    path = "/var/lib/archive"
  }
}
