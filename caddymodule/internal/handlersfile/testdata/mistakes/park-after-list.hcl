handler "archive" {
  plugin = "jsonl"
  park_after = ["6h", 5]
  config {
    path = "/var/lib/archive"
  }
}
