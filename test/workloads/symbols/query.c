#include "sqlite3.h"
#include <stdio.h>
int helper(int); 
int main(int argc, char **argv) { sqlite3 *db; if (sqlite3_open(":memory:", &db)) return 1; char *e = 0; for (int i = 0; i < argc; i++) sqlite3_exec(db, argv[i], 0, 0, &e); printf("%d\n", helper(argc)); return sqlite3_close(db); }
