import { PassThrough } from 'node:stream';
import { HelperConnection } from '../extension/core/connection.ts';
import { startService } from '../helper/service.ts';

export interface LocalHelper {
  readonly connection: HelperConnection;
  /** Ends it; resolves when nothing that it started is left. */
  close(): Promise<void>;
}

/** A helper in this very process, spoken to by the same messages as one on another host. */
export async function localHelper(): Promise<LocalHelper> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const { ended } = startService({ input, output });
  const connection = await HelperConnection.open(
    { input, output, ended: ended.then(() => ({ stderr: '' })), stop: () => input.destroy() },
    'probescope cli',
  );
  return {
    connection,
    close: async () => {
      connection.dispose();
      await ended;
    },
  };
}
