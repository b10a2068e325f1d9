handler "archive" {
  plugin = "jsonl"
  env = { PGPASSWORD = evn.PGPASSWORD }
  config {
    path = "/var/lib/archive"
  }
}
