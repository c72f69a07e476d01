import { createHash, X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { describe, expect, it } from "vitest";
import { encodeTrustStore, javaTrustStore } from "../trust-store.js";

/** Reads the JKS format back, independently of the writer. */
function decode(store: Buffer): readonly Buffer[] {
  let at = 0;
  const take = (length: number): Buffer => {
    at += length;
    return store.subarray(at - length, at);
  };
  const uint32 = (): number => take(4).readUInt32BE();
  const text = (): string => take(take(2).readUInt16BE()).toString("ascii");
  expect(uint32()).toBe(0xfeedfeed);
  expect(uint32()).toBe(2);
  const aliases = new Set<string>();
  const certificates = Array.from({ length: uint32() }, () => {
    expect(uint32()).toBe(2);
    aliases.add(text());
    take(8);
    expect(text()).toBe("X.509");
    return take(uint32());
  });
  expect(aliases.size).toBe(certificates.length);
  const salted = Buffer.concat([
    Buffer.from("\0c\0h\0a\0n\0g\0e\0i\0t", "latin1"),
    Buffer.from("Mighty Aphrodite"),
    store.subarray(0, at),
  ]);
  expect(take(20)).toEqual(createHash("sha1").update(salted).digest());
  expect(at).toBe(store.length);
  return certificates;
}

describe("the trust store for an unpacked Java", () => {
  it("holds every certificate that it is given, protected by the digest that Java checks", () => {
    const certificates = rootCertificates.slice(0, 3).map((pem) => new X509Certificate(pem).raw);
    expect(decode(encodeTrustStore(certificates))).toEqual(certificates);
  });

  it("holds this machine's certificate authorities", async () => {
    const certificates = decode(await javaTrustStore());
    expect(certificates.length).toBeGreaterThan(50);
    expect(new X509Certificate(certificates[0] ?? "").ca).toBe(true);
  });
});
