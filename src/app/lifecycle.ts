/** Holds resources of a scope and releases them last in, first out, whatever happens in between. */
export class Lifecycle {
  private readonly releases: (() => Promise<void> | void)[] = [];

  /** Registers how a resource is released; returns the resource. */
  use<T>(resource: T, release: (resource: T) => Promise<void> | void): T {
    this.releases.push(() => release(resource));
    return resource;
  }

  /** May be called twice. Every release runs; the first error is thrown at the end. */
  async close(): Promise<void> {
    let failure: { error: unknown } | undefined;
    for (let release = this.releases.pop(); release !== undefined; release = this.releases.pop()) {
      try {
        await release();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}
