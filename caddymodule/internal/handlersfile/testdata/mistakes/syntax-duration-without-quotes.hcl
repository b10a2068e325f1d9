handler "archive" {
  plugin = "jsonl"
  park_after = 6h
  config {
    path = "/var/lib/archive"
  }
}
