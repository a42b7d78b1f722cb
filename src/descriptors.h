/* descriptors.h: the file descriptors that this process has open. */
#ifndef IMAGEBUILDER_DESCRIPTORS_H
#define IMAGEBUILDER_DESCRIPTORS_H

typedef void (*DescriptorAction) (int fd, void *arg);

extern bool descriptors_each(DescriptorAction action, void *arg);

#endif							/* IMAGEBUILDER_DESCRIPTORS_H */
