/* banned.h: functions we do not call; force-included into every file by Makefile.am. */
#ifndef BN_BANNED_H
#define BN_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#ifdef __GNUC__
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atoll
#endif
#endif
