/** Items on their way from one who has them to one who asks for them. */
export interface Feed<Item> {
  /** Waits until the item was dealt with: the reader came back for the next, or left. */
  give(item: Item): Promise<void>;
  end(): void;
  /** Ends both sides with an error: whoever gives, and whoever reads. */
  fail(error: unknown): void;
  /** One reader, one pass. */
  items(): AsyncGenerator<Item>;
}

/** Makes pulling out of pushing; at most one item waits. */
export function createFeed<Item>(): Feed<Item> {
  let waiting: { readonly item: Item; readonly dealt: PromiseWithResolvers<void> } | undefined;
  let current: PromiseWithResolvers<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let over = false;
  let wake = () => {};
  const settle = () => {
    for (const given of [current, waiting?.dealt]) failure === undefined ? given?.resolve() : given?.reject(failure.error);
    current = undefined;
  };
  return {
    give(item) {
      const dealt = Promise.withResolvers<void>();
      waiting = { item, dealt };
      if (over) settle();
      wake();
      return dealt.promise;
    },
    end() {
      over = true;
      wake();
    },
    fail(error) {
      failure ??= { error };
      over = true;
      settle();
      wake();
    },
    async *items() {
      try {
        for (;;) {
          current?.resolve();
          current = undefined;
          while (waiting === undefined && !over) await new Promise<void>((asked) => (wake = asked));
          if (failure !== undefined) throw failure.error;
          if (waiting === undefined) return;
          const { item, dealt } = waiting;
          [waiting, current] = [undefined, dealt];
          yield item;
        }
      } finally {
        over = true;
        settle();
      }
    },
  };
}
