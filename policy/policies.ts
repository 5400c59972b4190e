/** The checks as Pulumi's policies. */
import type { Policies, ResourceValidation, ResourceValidationArgs } from "@pulumi/policy";
import {
  imageProblems,
  isOfKubeProxy,
  optionProblems,
  Pinned,
  providerProblems,
  tokenProblems,
  unproved,
} from "./checks.ts";

/** Reports what a check finds in the DaemonSets of kube-proxy. */
function ofDaemonSets(check: (args: ResourceValidationArgs) => string[]): ResourceValidation {
  return (args, report) => {
    if (!isOfKubeProxy(args.urn)) return;
    for (const problem of check(args)) report(problem);
  };
}

export const policies: Policies = [
  {
    name: "restart-replaces",
    description: "A restart of kube-proxy deletes its DaemonSet and then creates it.",
    // One by one: of what is not known in a preview nothing can be said, and the others are.
    validateResource: [
      ofDaemonSets(({ opts }) => optionProblems(opts)),
      ofDaemonSets(({ props }) => tokenProblems(props)),
    ],
  },
  {
    name: "no-upsert",
    description: "A DaemonSet of kube-proxy that is there already is never written over in silence.",
    validateResource: ofDaemonSets(({ provider }) => providerProblems(provider?.props ?? {})),
  },
  {
    name: "pinned-image",
    description: "The image of kube-proxy is pinned as the pack's configuration asks for.",
    configSchema: {
      properties: {
        pinned: {
          enum: Object.values(Pinned),
          default: Pinned.off,
          description:
            "off: any image; tag: one with a tag other than latest, or a digest; digest: one with a digest",
        },
      },
    },
    validateResource: ofDaemonSets((args) =>
      imageProblems(args.props, args.getConfig<{ pinned?: Pinned }>().pinned ?? Pinned.off),
    ),
  },
  {
    name: "proof",
    description: "After each change of kube-proxy it is proved on every node.",
    validateStack: ({ resources }, report) => {
      for (const { name, urn } of unproved(resources)) {
        report(
          `No command verify comes after ${name}: take verify: false out of the KubeProxy's arguments.`,
          urn,
        );
      }
    },
  },
];
