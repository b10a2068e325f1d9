handler "archive" {
  plugin = "jsonl"
  env = ["PGHOST"]
  config {
    path = "/var/lib/archive"
  }
}
