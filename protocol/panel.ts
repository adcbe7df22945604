/** A page tells that it has drawn what it was sent last: the next picture waits for this. */
export interface Drawn {
  readonly type: 'drawn';
}
