import { Emitter, type Disposable } from '../core/emitter.ts';
import type { Profile } from '../../protocol/profile.ts';

/** Something open that shows a profile: a flame graph, a recording. */
export interface ProfileView {
  /** One a view that is open, such as `probescope.callers 3`. */
  readonly key: string;
  /** What it shows now; asked for when lines are drawn, so that it may be costly. Undefined when it shows nothing. */
  profile(): Profile | undefined;
}

/**
 * The profile now shown: that of the view which was last brought to the front and is still open. Lines of code are
 * marked with it. Whoever opens a profile tells it here; nobody else needs to know who that is.
 */
export class ShownProfile implements Disposable {
  /** Open views, the one now shown last. */
  readonly #views: ProfileView[] = [];
  readonly #changed = new Emitter<void>();

  /** Fires when another profile is shown, when the shown one grew, and when none is left. */
  readonly onDidChange = this.#changed.on;

  get current(): ProfileView | undefined {
    return this.#views.at(-1);
  }

  /** A view was opened or brought to the front; one of the same key is replaced. */
  show(view: ProfileView): void {
    const before = this.current;
    this.#remove(view.key);
    this.#views.push(view);
    if (before !== view) this.#changed.fire();
  }

  /** What the view shows is another now. */
  update(key: string): void {
    if (this.current?.key === key) this.#changed.fire();
  }

  /** A view was closed: what was shown before it is shown again. */
  close(key: string): void {
    const before = this.current;
    this.#remove(key);
    if (before !== this.current) this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
    this.#views.length = 0;
  }

  #remove(key: string): void {
    const at = this.#views.findIndex((view) => view.key === key);
    if (at >= 0) this.#views.splice(at, 1);
  }
}
