import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { formatPath } from "../../components/adoption/differences.ts";
import {
  dividedFields,
  type Fields,
  type ManagedFields,
  writtenByOthers,
} from "../../components/adoption/managedFields.ts";

const restartedAt = "kubectl.kubernetes.io/restartedAt";
const names = (...keys: string[]): Fields => Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));
const container = { 'k:{"name":"kube-proxy"}': { ".": {}, ...names("workingDir") } };
const template = (fields: Fields): Fields => ({ "f:spec": { "f:template": fields } });
const live = (...managedFields: ManagedFields[]) => ({
  metadata: { managedFields, labels: { team: "theirs", ours: "x" }, annotations: {} },
  spec: {
    template: {
      metadata: { annotations: { [restartedAt]: "now" } },
      spec: {
        containers: [{ name: "sidecar" }, { name: "kube-proxy", workingDir: "/" }],
        tolerations: [{ operator: "Exists" }],
        finalizers: ["a", "b"],
      },
    },
  },
});
const entry = (manager: string, fieldsV1: Fields, more: Partial<ManagedFields> = {}): ManagedFields => ({
  manager,
  operation: "Update",
  apiVersion: "apps/v1",
  time: "2026-11-28T12:00:00Z",
  fieldsV1,
  ...more,
});
const wanted = { metadata: { labels: { ours: "x" } }, spec: {} };
const brief = (fields: ManagedFields[] | undefined) =>
  fields?.map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1]);

suite("who has written which fields", () => {
  test("items of lists by their place, whatever names them", () => {
    const fields = template({
      "f:spec": {
        "f:containers": container,
        "f:tolerations": {},
        "f:finalizers": { 'v:"b"': {}, "i:0": {}, 'v:"gone"': {} },
      },
    });
    assert.deepEqual(writtenByOthers(live(entry("k9s", fields))).map(formatPath), [
      "spec.template.spec.containers[1].workingDir",
      "spec.template.spec.tolerations",
      "spec.template.spec.finalizers[1]",
      "spec.template.spec.finalizers[0]",
      "spec.template.spec.finalizers[-1]",
    ]);
  });

  test("not those of the provider, of kubeadm, of a status, beside the spec, and of a restart by kubectl", () => {
    const all = template({ "f:spec": { "f:tolerations": {} } });
    const restart = template({ "f:metadata": { "f:annotations": names(restartedAt) } });
    const object = live(
      entry("pulumi-kubernetes", all, { operation: "Apply" }),
      entry("pulumi-kubernetes-1a2b", all),
      entry("kubeadm", all),
      entry("kube-controller-manager", all, { subresource: "status" }),
      entry("kubectl-label", { "f:metadata": { "f:labels": names("team") } }),
      entry("kubectl-rollout", restart),
    );
    assert.deepEqual(writtenByOthers(object), []);
  });
});

suite("whose the fields are to be before the provider applies", () => {
  test("as they are, where others have written nothing, or what they keep anyway", () => {
    assert.equal(dividedFields({ metadata: {} }, wanted), undefined);
    const labels = { "f:metadata": { "f:labels": names("team") } };
    const object = live(entry("pulumi-kubernetes", names("spec")), entry("manager", labels));
    assert.equal(dividedFields(object, wanted), undefined);
  });

  test("what kubectl has put beside the spec, and its restart, goes to a manager that is left alone", () => {
    const metadata = { "f:labels": { ".": {}, ...names("team", "ours") } };
    const annotations = { "f:annotations": { ".": {}, ...names(restartedAt) } };
    const spec = { "f:tolerations": {} };
    const object = live(
      entry("kubectl-edit", {
        "f:metadata": metadata,
        ...template({ "f:metadata": annotations, "f:spec": spec }),
      }),
    );
    assert.deepEqual(brief(dividedFields(object, wanted)), [
      [
        "kubectl-edit",
        "Update",
        { "f:metadata": { "f:labels": { ".": {}, ...names("ours") } }, ...template({ "f:spec": spec }) },
      ],
      [
        "kept-kubectl-edit",
        "Update",
        {
          "f:metadata": { "f:labels": { ".": {}, ...names("team") } },
          ...template({ "f:metadata": annotations }),
        },
      ],
    ]);
  });

  test("so do an object's finalizers and owners, and the fields of other kinds", () => {
    const theirs = {
      "f:metadata": { "f:finalizers": { 'v:"a"': {} }, "f:ownerReferences": { 'k:{"uid":"1"}': {} } },
      ...names("imagePullSecrets"),
    };
    assert.deepEqual(brief(dividedFields(live(entry("kubectl-edit", theirs)), wanted)), [
      ["kept-kubectl-edit", "Update", theirs],
    ]);
  });

  test("an apply of kubectl's is kept as an update is: an apply's fields have to be sent again", () => {
    const object = live(
      entry("kubectl", { "f:metadata": { "f:labels": names("team") } }, { operation: "Apply" }),
    );
    assert.deepEqual(brief(dividedFields(object, wanted))?.[0]?.slice(0, 2), ["kept-kubectl", "Update"]);
  });

  test("what any other has put into the spec goes to whom the provider takes over, and joins what that one has", () => {
    const mine = template({ "f:spec": { "f:hostNetwork": {} } });
    const object = live(
      entry("pulumi-kubernetes", mine),
      entry("k9s", {
        "f:metadata": { "f:labels": names("team") },
        ...template({ "f:spec": { "f:containers": container } }),
      }),
    );
    const merged = template({ "f:spec": { "f:hostNetwork": {}, "f:containers": container } });
    assert.deepEqual(brief(dividedFields(object, wanted)), [
      ["pulumi-kubernetes", "Update", merged],
      ["k9s", "Update", { "f:metadata": { "f:labels": names("team") } }],
    ]);
  });

  test("the longest name that a manager can have stays one", () => {
    const fields = { "f:metadata": { "f:labels": names("team") } };
    const [kept] = dividedFields(live(entry(`kubectl-${"x".repeat(120)}`, fields)), wanted) ?? [];
    assert.equal(kept?.manager.length, 128);
  });
});
