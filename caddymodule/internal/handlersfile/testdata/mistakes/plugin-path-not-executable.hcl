handler "own" {
  plugin = "./bin/notes.txt"
}
