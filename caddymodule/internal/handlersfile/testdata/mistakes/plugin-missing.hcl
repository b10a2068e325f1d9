handler "own" {
  timeout = "5s"
}
