/** Where the bundle begins: the server itself, or the process that it starts from the same file to read a catalog. */
import { catalogReaderArgument } from './protocol.ts';

if (process.argv[2] === catalogReaderArgument)
  void import('./catalog-reader.ts').then(({ answerWithCatalog }) =>
    answerWithCatalog(process.argv[3] ?? ''),
  );
else void import('./server.ts');
