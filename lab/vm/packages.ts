/** The Debian packages of machines with a kernel of their own, each in one version; see `../real/packages.ts`. */
import type { Packages } from "../real/packages.ts";
import type { Kernel } from "./kernels.ts";

/** The emulator with its firmware, and all libraries that it needs: also libc, so that any machine can run it. */
export const emulator: Packages = {
  libaio1: "0.3.113-4",
  libblkid1: "2.38.1-5+deb12u3",
  libbpf1: "1:1.1.2-0+deb12u1",
  libc6: "2.36-9+deb12u14",
  libcapstone4: "4.0.2-5",
  libdaxctl1: "76.1-1",
  libelf1: "0.188-2.1",
  libfdt1: "1.6.1-4+b1",
  libffi8: "3.4.4-1",
  "libfuse3-3": "3.14.0-4",
  "libgcc-s1": "12.2.0-14+deb12u1",
  "libglib2.0-0": "2.74.6-2+deb12u9",
  libgmp10: "2:6.2.1+dfsg1-1.1",
  libgnutls30: "3.7.9-2+deb12u7",
  libhogweed6: "3.8.1-2",
  libibverbs1: "44.0-2",
  "libidn2-0": "2.3.3-1+b1",
  "libjpeg62-turbo": "1:2.1.5-2",
  libkmod2: "30+20221128-1",
  liblzma5: "5.4.1-1+deb12u2",
  libmount1: "2.38.1-5+deb12u3",
  libndctl6: "76.1-1",
  libnettle8: "3.8.1-2",
  "libnl-3-200": "3.7.0-0.2+b1",
  "libnl-route-3-200": "3.7.0-0.2+b1",
  libnuma1: "2.0.16-1",
  "libp11-kit0": "0.24.1-2",
  "libpcre2-8-0": "10.42-1+deb12u2",
  "libpixman-1-0": "0.42.2-1",
  libpmem1: "1.12.1-2",
  "libpng16-16": "1.6.39-2+deb12u6",
  librdmacm1: "44.0-2",
  "libsasl2-2": "2.1.28+dfsg-10+deb12u1",
  libseccomp2: "2.5.4-1+deb12u1",
  libselinux1: "3.4-1+b6",
  libslirp0: "4.7.0-1",
  libssl3: "3.0.22-1~deb12u2",
  "libtasn1-6": "4.19.0-2+deb12u1",
  libudev1: "252.39-1~deb12u2",
  libunistring2: "1.0-2",
  liburing2: "2.3-3",
  libuuid1: "2.38.1-5+deb12u3",
  libvdeplug2: "4.0.1-4",
  libzstd1: "1.5.4+dfsg2-5",
  "qemu-system-common": "1:7.2+dfsg-7+deb12u18+b3",
  "qemu-system-data": "1:7.2+dfsg-7+deb12u18",
  "qemu-system-x86": "1:7.2+dfsg-7+deb12u18+b3",
  seabios: "1.16.2-1",
  zlib1g: "1:1.2.13.dfsg-1",
};

/**
 * What a machine and its kube-proxy's image hold beside the userland of real nodes: the tools by which kube-proxy and
 * whoever watches it work with ipvs, and `modprobe`, with the libraries that these need.
 */
export const additions: Packages = {
  ipset: "7.17-1",
  ipvsadm: "1:1.31-1+b1",
  iproute2: "6.1.0-3",
  kmod: "30+20221128-1",
  libbpf1: "1:1.1.2-0+deb12u1",
  libcap2: "1:2.66-4+deb12u3+b1",
  libelf1: "0.188-2.1",
  libipset13: "7.17-1",
  liblzma5: "5.4.1-1+deb12u2",
  "libnl-3-200": "3.7.0-0.2+b1",
  "libnl-genl-3-200": "3.7.0-0.2+b1",
  libpopt0: "1.19+dfsg-1",
  libssl3: "3.0.22-1~deb12u2",
  libzstd1: "1.5.4+dfsg2-5",
  zlib1g: "1:1.2.13.dfsg-1",
};

/** Where a kernel comes from. */
export interface KernelSource {
  packages: Packages;
  /** The suite that has it, where it is not Debian 12's: at the same mirror as Debian 12's security updates. */
  suite?: string;
}

/** The kernels, of which older ones vanish from the mirror when newer ones have come. */
export const kernelSources: Readonly<Record<Kernel, KernelSource>> = {
  "6.1": { packages: { "linux-image-6.1.0-56-cloud-amd64": "6.1.192-2" } },
  // Too old for kube-proxy's mode nftables, which wants 5.13.
  "5.10": { packages: { "linux-image-5.10.0-46-cloud-amd64": "5.10.262-1" }, suite: "bullseye-security" },
};
