// Package damaged sets files of a store aside that are damaged, so that the store can go on with fresh ones. It deletes
// none: they are renamed into a folder of their own, which stays until a person removes it, see Remove.
//
//	damaged/20261129T121305Z-1/
//	    note.json   when, why, and which files
//	    …           the files, under their names
//
// The note comes first, and says which files are to go. So a process that is killed in between leaves what the next one
// can finish, see Finish, and no file is in two places or in none: it is renamed within one file system, and both
// folders are synced before the note says that all is done.
package damaged
