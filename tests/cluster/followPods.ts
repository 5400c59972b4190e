import { type KubeConfig, Watch } from "@kubernetes/client-node";

/** What has happened to a pod, in the words of a watch. */
export type Change = "ADDED" | "MODIFIED" | "DELETED";

/** Takes what happens. */
export interface Follower<P> {
  see(change: Change, pod: P): void;
  /** Changes may have been missed. */
  lose(why: string): void;
}

interface Versioned {
  readonly metadata: { readonly resourceVersion: string };
}

/**
 * Follows kube-proxy's pods, beginning with those that are there. No change is missed: a watch that ends is taken up where
 * it was.
 *
 * @returns ends it
 */
export async function followPods<P extends Versioned>(
  config: KubeConfig,
  follower: Follower<P>,
): Promise<() => Promise<void>> {
  const watch = new Watch(config);
  const stopping = new AbortController();
  const { signal } = stopping;
  let resourceVersion: string | undefined;

  const see = (change: string, object: P): void => {
    if (change === "ERROR") follower.lose(JSON.stringify(object));
    else if (change !== "BOOKMARK") follower.see(change as Change, object);
    resourceVersion = change === "ERROR" ? undefined : object.metadata.resourceVersion;
  };
  const connect = async (): Promise<{ ended: Promise<void> }> => {
    const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
    const query = { labelSelector: "k8s-app=kube-proxy", resourceVersion, allowWatchBookmarks: true };
    const request = await watch.watch("/api/v1/namespaces/kube-system/pods", query, see, () => {
      end(undefined);
    });
    const abort = (): void => {
      request.abort();
    };
    signal.addEventListener("abort", abort, { once: true });
    const forget = (): void => {
      signal.removeEventListener("abort", abort);
    };
    return { ended: ended.then(forget) };
  };
  const first = await connect();
  const goOn = async (): Promise<void> => {
    await first.ended;
    while (!signal.aborted) await (await connect()).ended;
  };
  const following = goOn().catch((error: unknown) => {
    follower.lose(String(error));
  });
  return async () => {
    stopping.abort();
    await following;
  };
}
