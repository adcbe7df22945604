// The helper's one file: its process, and the one that it starts from the same file to search (`host/binary-search.ts`).
import { SEARCH_WORD } from './host/search-word.ts';

if (process.argv[2] === SEARCH_WORD && process.send !== undefined)
  void import('./host/binary-search-process.ts').then(({ serveSearches }) => {
    serveSearches();
  });
else void import('./process.ts');
