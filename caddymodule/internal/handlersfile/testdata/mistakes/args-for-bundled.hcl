handler "archive" {
  plugin = "jsonl"
  args = ["--verbose"]
  config {
    path = "/var/lib/archive"
  }
}
