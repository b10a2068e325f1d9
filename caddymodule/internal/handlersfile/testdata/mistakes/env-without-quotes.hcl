handler "archive" {
  plugin = "jsonl"
  env = { PGPASSWORD = hunter2 }
  config {
    path = "/var/lib/archive"
  }
}
