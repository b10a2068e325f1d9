handler "own" {
  plugin = "./bin/handler"
  sha256 = "abc"
}
