"""What generations of client SDKs say differently: small modules over the same commands and objects."""
