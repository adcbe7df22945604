/**
 * A channel between two rooms is one interface of methods that take one parameter object and return a result.
 * Call names, parameter and result types are derived from it, so that both ends cannot drift apart.
 */
export type Calls<Api> = { [K in keyof Api]: (params: never) => unknown };

export type MethodName<Api> = Extract<keyof Api, string>;
export type ParamsOf<Api, K extends keyof Api> = Api[K] extends (params: infer P) => unknown ? P : never;
export type ResultOf<Api, K extends keyof Api> = Api[K] extends (params: never) => infer R
  ? Awaited<R>
  : never;

/** The handlers a server of `Api` must provide: one for each method, none more. */
export type Handlers<Api, Context> = {
  [K in keyof Api]: (
    params: ParamsOf<Api, K>,
    context: Context,
  ) => Promise<ResultOf<Api, K>> | ResultOf<Api, K>;
};

/** JSON-RPC's error code for an answer that is a `Problem`; the problem itself travels as the error's `data`. */
export const PROBLEM_ERROR_CODE = 1;
