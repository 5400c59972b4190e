import { dividedFields, type ManagedObject } from "../adoption/managedFields.ts";
import { ApiError, find, request } from "./api.ts";
import { HttpMethod, type KubeConfig } from "./kubernetes.ts";
import { type ApiObject, idOf, pathOf } from "./objects.ts";

/** How often somebody else may write to the object at the same moment. */
const attempts = 5;

/**
 * Hands the fields of a live object over to whom they are to belong before the provider applies it, see `dividedFields`.
 * No value of the object changes by that.
 *
 * @param config - the cluster, see `loadCluster`
 * @param wanted - the object as the provider is going to apply it
 * @throws ApiError when the API server refuses or does not answer
 */
export async function divideFields(config: KubeConfig, wanted: ApiObject): Promise<void> {
  const path = pathOf(idOf(wanted));
  for (let attempt = 1; ; attempt += 1) {
    const live = await find(config, path);
    const managedFields = live && dividedFields(live as ManagedObject, wanted);
    if (live === undefined || managedFields === undefined) return;
    const { resourceVersion } = live.metadata;
    try {
      await request(config, HttpMethod.PATCH, path, {
        body: { metadata: { resourceVersion, managedFields } },
      });
      return;
    } catch (error) {
      const isChanged = error instanceof ApiError && error.status === 409;
      if (!isChanged || attempt === attempts) throw error;
    }
  }
}
