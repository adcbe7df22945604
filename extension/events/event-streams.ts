/** Streams of events and the panels that show them: one panel a stream. */
import type { Disposable } from 'vscode';
import type { SourceId } from '../../protocol/events.ts';
import { LiveTable, type EventStreamServices } from './live-table.ts';
import { nothingWanted } from './wanted.ts';

/** Opens live tables. A table that is hidden keeps its rows: they are nowhere else. */
export class EventStreams implements Disposable {
  readonly #services: EventStreamServices;
  readonly #open = new Set<LiveTable>();

  constructor(services: EventStreamServices) {
    this.#services = services;
  }

  /** Starts tracing and shows the rows; problems are shown and asked about. */
  async trace(sources: readonly SourceId[], filter = ''): Promise<void> {
    const table = new LiveTable(this.#services, sources, () => this.#open.delete(table));
    this.#open.add(table);
    await table.start({ ...nothingWanted, filter }, { kind: 'each' }, false);
  }

  /** Shows the events of a recording in the table that they were recorded from. Throws ProbeError. */
  async openRecorded(path: string): Promise<void> {
    const [{ Recording }, { RecordedEvents }] = await Promise.all([
      import('../core/recording/reader.ts'),
      import('../core/recording/recorded-events.ts'),
    ]);
    const recording = new Recording(path);
    try {
      const events = new RecordedEvents(recording);
      const table = new LiveTable(this.#services, events.schema.events, () => this.#open.delete(table));
      this.#open.add(table);
      await table.showRecorded(events);
    } finally {
      recording.close();
    }
  }

  dispose(): void {
    for (const table of this.#open) table.dispose();
  }
}
