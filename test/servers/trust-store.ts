import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";

/** Protects nothing: the store holds public certificates only. */
export const TRUST_STORE_PASSWORD = "changeit";

const SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const MAGIC = 0xfeedfeed;
const VERSION = 2;
const TRUSTED_CERTIFICATE = 2;

/**
 * A Java key store of this machine's certificate authorities.
 *
 * A Java that was unpacked and not installed comes without one: its package makes it on
 * installation, in `/etc`.
 */
export async function javaTrustStore(): Promise<Buffer> {
  const bundle = await readFile(SYSTEM_BUNDLE, "utf8").catch(() => rootCertificates.join("\n"));
  return encodeTrustStore(certificatesIn(bundle));
}

function certificatesIn(bundle: string): readonly Buffer[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw);
}

/** Writes the JKS format, version 2: entries, then a digest salted with the password. */
export function encodeTrustStore(certificates: readonly Buffer[]): Buffer {
  const entries = certificates.map((certificate, index) =>
    Buffer.concat([
      uint32(TRUSTED_CERTIFICATE),
      text(`authority-${index}`),
      Buffer.alloc(8), // time of creation
      text("X.509"),
      uint32(certificate.length),
      certificate,
    ]),
  );
  const content = Buffer.concat([
    uint32(MAGIC),
    uint32(VERSION),
    uint32(entries.length),
    ...entries,
  ]);
  const digest = createHash("sha1")
    .update(Buffer.from(TRUST_STORE_PASSWORD, "utf16le").swap16())
    .update("Mighty Aphrodite")
    .update(content)
    .digest();
  return Buffer.concat([content, digest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Java's modified UTF-8, which for ASCII is ASCII. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, "ascii");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
